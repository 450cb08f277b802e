; The installer of Gatewatch, for one user and without administrator. scripts/dist-windows defines VERSION, NUMBERS
; (VERSION as four numbers), SOURCE (the folder with the programs), ICON and OUTPUT.
;
;   gatewatch-VERSION-setup.exe [/S] [/AUTOSTART=on|off] [/D=FOLDER]
;   uninstall.exe [/S] [/PURGE]
;
; /S asks nothing. Without /AUTOSTART a silent installation does not change the start at login. /PURGE also removes
; settings, rules, orders and logs; without it they stay. The installer asks a running Gatewatch to quit and never kills
; it, since it may be in the middle of an order. If it does not quit, a silent run changes nothing and exits with 2.

Unicode true
Target amd64-unicode
SetCompressor /SOLID lzma
ManifestDPIAware true
ManifestSupportedOS Win10
RequestExecutionLevel user

!include MUI2.nsh
!include LogicLib.nsh
!include FileFunc.nsh
!include WinVer.nsh
!include Sections.nsh

!define ADD_REMOVE "Software\Microsoft\Windows\CurrentVersion\Uninstall\Gatewatch"
!define RUN "Software\Microsoft\Windows\CurrentVersion\Run"
!define DATA "$LOCALAPPDATA\gatewatch"
!define QUIT_SECONDS 20

Name "Gatewatch"
OutFile "${OUTPUT}"
InstallDir "$LOCALAPPDATA\Programs\Gatewatch"
InstallDirRegKey HKCU "${ADD_REMOVE}" InstallLocation
BrandingText "Gatewatch ${VERSION}"
ShowInstDetails nevershow
ShowUninstDetails nevershow

VIProductVersion "${NUMBERS}"
VIAddVersionKey ProductName "Gatewatch"
VIAddVersionKey ProductVersion "${VERSION}"
VIAddVersionKey FileVersion "${VERSION}"
VIAddVersionKey FileDescription "Gatewatch installer"
VIAddVersionKey CompanyName "The Gatewatch authors"
VIAddVersionKey LegalCopyright "MIT licence"

!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_ABORTWARNING
!define MUI_COMPONENTSPAGE_SMALLDESC
!define MUI_FINISHPAGE_RUN "$INSTDIR\gatewatch.exe"
!define MUI_FINISHPAGE_RUN_TEXT "Start Gatewatch now"
!insertmacro MUI_PAGE_COMPONENTS
!insertmacro MUI_PAGE_INSTFILES
!define MUI_PAGE_CUSTOMFUNCTION_PRE skipFinish
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_COMPONENTS
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE English

Var ran      ; 1 if a Gatewatch ran and was asked to quit, so that it is started again
Var told     ; 1 once it was asked to quit
Var waited   ; tenths of a second
Var entered  ; 1 if it starts at login before
Var asked    ; 1 if the command line says whether it shall

; free FILE pushes 1 if the program is not running, otherwise 0: Windows does not let anyone write into a running one.
!macro free FILE
	StrCpy $0 1
	${If} ${FileExists} "${FILE}"
		ClearErrors
		FileOpen $1 "${FILE}" a
		${If} ${Errors}
			StrCpy $0 0
		${Else}
			FileClose $1
		${EndIf}
	${EndIf}
!macroend

; quit ends the programs in $INSTDIR: the main one by its own command, the window by closing it.
!macro quit UN
Function ${UN}programsEnded
	!insertmacro free "$INSTDIR\gatewatch.exe"
	${If} $0 = 0
		StrCpy $ran 1
		${If} $told <> 1
			StrCpy $told 1
			nsExec::Exec '"$INSTDIR\gatewatch.exe" quit'
			Pop $2
		${EndIf}
		Return
	${EndIf}
	!insertmacro free "$INSTDIR\gatewatch-window.exe"
	${If} $0 = 0
		FindWindow $2 "GLFW30" "Gatewatch" ; the class is the toolkit's
		${If} $2 <> 0
			SendMessage $2 ${WM_CLOSE} 0 0 /TIMEOUT=2000
		${EndIf}
	${EndIf}
FunctionEnd

Function ${UN}quit
	${Do}
		StrCpy $told 0
		StrCpy $waited 0
		${Do}
			Call ${UN}programsEnded
			${If} $0 = 1
				Return
			${EndIf}
			Sleep 100
			IntOp $waited $waited + 1
		${LoopUntil} $waited >= ${QUIT_SECONDS}0
		MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "Gatewatch is still running. Quit it from its menu in the taskbar, close its window, then choose Retry." /SD IDCANCEL IDRETRY again
		SetErrorLevel 2
		Abort "Gatewatch is still running; nothing was changed."
		again:
	${Loop}
FunctionEnd
!macroend
!insertmacro quit ""
!insertmacro quit "un."

Section "Gatewatch" programs
	SectionIn RO
	Call quit
	SetOutPath "$INSTDIR"
	File "${SOURCE}\gatewatch.exe"
	File "${SOURCE}\gatewatch-window.exe"
	File "${SOURCE}\LICENSE"
	File "${SOURCE}\README.md"
	File "${SOURCE}\settings.json"
	File "${SOURCE}\settings.schema.json"
	File "${SOURCE}\third-party-licences.txt"
	WriteUninstaller "$INSTDIR\uninstall.exe"
	CreateShortcut "$SMPROGRAMS\Gatewatch.lnk" "$INSTDIR\gatewatch.exe"

	WriteRegStr HKCU "${ADD_REMOVE}" DisplayName "Gatewatch"
	WriteRegStr HKCU "${ADD_REMOVE}" DisplayVersion "${VERSION}"
	WriteRegStr HKCU "${ADD_REMOVE}" DisplayIcon "$INSTDIR\gatewatch.exe"
	WriteRegStr HKCU "${ADD_REMOVE}" Publisher "The Gatewatch authors"
	WriteRegStr HKCU "${ADD_REMOVE}" InstallLocation "$INSTDIR"
	WriteRegStr HKCU "${ADD_REMOVE}" UninstallString '"$INSTDIR\uninstall.exe"'
	WriteRegStr HKCU "${ADD_REMOVE}" QuietUninstallString '"$INSTDIR\uninstall.exe" /S'
	WriteRegDWORD HKCU "${ADD_REMOVE}" NoModify 1
	WriteRegDWORD HKCU "${ADD_REMOVE}" NoRepair 1
	SectionGetSize ${programs} $0
	WriteRegDWORD HKCU "${ADD_REMOVE}" EstimatedSize $0
SectionEnd

Section /o "Start at login" login
SectionEnd

; The program itself sets the start at login; for a version without that command the installer writes the same entry.
; Without /AUTOSTART nothing changes: the user may have turned it off in Task Manager.
Section "-start"
	StrCpy $0 0
	${If} ${SectionIsSelected} ${login}
		StrCpy $0 1
	${EndIf}
	${If} $asked = 1
	${OrIf} $0 <> $entered
		${If} $0 = 1
			nsExec::Exec '"$INSTDIR\gatewatch.exe" autostart on'
			Pop $1
			${If} $1 != 0
				WriteRegStr HKCU "${RUN}" Gatewatch '"$INSTDIR\gatewatch.exe"'
			${EndIf}
		${Else}
			nsExec::Exec '"$INSTDIR\gatewatch.exe" autostart off'
			Pop $1
			DeleteRegValue HKCU "${RUN}" Gatewatch
		${EndIf}
	${EndIf}
	${If} $ran = 1
		Exec '"$INSTDIR\gatewatch.exe"'
	${EndIf}
SectionEnd

!insertmacro MUI_FUNCTION_DESCRIPTION_BEGIN
	!insertmacro MUI_DESCRIPTION_TEXT ${programs} "The program in the taskbar and its window."
	!insertmacro MUI_DESCRIPTION_TEXT ${login} "Gatewatch starts when you log in to Windows."
!insertmacro MUI_FUNCTION_DESCRIPTION_END

Function .onInit
	StrCpy $ran 0
	${IfNot} ${AtLeastWin10}
		MessageBox MB_OK|MB_ICONSTOP "Gatewatch needs Windows 10 or newer." /SD IDOK
		SetErrorLevel 2
		Quit
	${EndIf}
	StrCpy $entered 0
	StrCpy $asked 0
	ReadRegStr $0 HKCU "${RUN}" Gatewatch
	${If} $0 != ""
		StrCpy $entered 1
		!insertmacro SelectSection ${login}
	${EndIf}
	${GetParameters} $0
	ClearErrors
	${GetOptions} $0 "/AUTOSTART=" $1
	${IfNot} ${Errors}
		StrCpy $asked 1
		${If} $1 == on
			!insertmacro SelectSection ${login}
		${ElseIf} $1 == off
			!insertmacro UnselectSection ${login}
		${Else}
			MessageBox MB_OK|MB_ICONSTOP "/AUTOSTART must be on or off." /SD IDOK
			SetErrorLevel 2
			Quit
		${EndIf}
	${EndIf}
FunctionEnd

; What ran before is running again.
Function skipFinish
	${If} $ran = 1
		Abort
	${EndIf}
FunctionEnd

Section "un.Gatewatch" unPrograms
	SectionIn RO
	Call un.quit
	; Only an entry that starts what is removed here goes with it.
	ReadRegStr $0 HKCU "${RUN}" Gatewatch
	StrCpy $1 '"$INSTDIR\gatewatch.exe"'
	StrLen $2 $1
	StrCpy $0 $0 $2
	${If} $0 == $1
		nsExec::Exec '"$INSTDIR\gatewatch.exe" autostart off'
		Pop $0
		DeleteRegValue HKCU "${RUN}" Gatewatch
	${EndIf}
	Delete "$SMPROGRAMS\Gatewatch.lnk"
	Delete "$INSTDIR\gatewatch.exe"
	Delete "$INSTDIR\gatewatch-window.exe"
	Delete "$INSTDIR\LICENSE"
	Delete "$INSTDIR\README.md"
	Delete "$INSTDIR\settings.json"
	Delete "$INSTDIR\settings.schema.json"
	Delete "$INSTDIR\third-party-licences.txt"
	Delete "$INSTDIR\uninstall.exe"
	RMDir "$INSTDIR"
	DeleteRegKey HKCU "${ADD_REMOVE}"
SectionEnd

Section /o "un.Settings, rules, orders and logs" unData
	RMDir /r "${DATA}"
SectionEnd

!insertmacro MUI_UNFUNCTION_DESCRIPTION_BEGIN
	!insertmacro MUI_DESCRIPTION_TEXT ${unPrograms} "The program in the taskbar and its window."
	!insertmacro MUI_DESCRIPTION_TEXT ${unData} "Everything that Gatewatch has written into ${DATA}. It cannot be brought back."
!insertmacro MUI_UNFUNCTION_DESCRIPTION_END

Function un.onInit
	StrCpy $ran 0
	${GetParameters} $0
	ClearErrors
	${GetOptions} $0 "/PURGE" $1
	${IfNot} ${Errors}
		!insertmacro SelectSection ${unData}
	${EndIf}
FunctionEnd
